"""All that a DAW's side needs to talk to Punchin."""
