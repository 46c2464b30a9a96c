"""The diffusion transformer: conditions, its forward pass, and the samplers over it."""
