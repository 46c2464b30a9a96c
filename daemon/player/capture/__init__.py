"""Recording from JACK ports or an interface into a file that jobs can work on."""
