"""What `benchmarks/acestep.py` measures, and what it measures with."""
