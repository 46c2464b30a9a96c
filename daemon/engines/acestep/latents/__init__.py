"""Between samples and latents: the VAE in tiles, and the latents of own results."""
