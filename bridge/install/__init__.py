"""Installers: what Punchin puts into the system, and takes away again."""
