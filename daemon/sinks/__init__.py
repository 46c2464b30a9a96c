"""Where results go: files now; live buffers and the preview take the same messages."""
