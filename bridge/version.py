"""The version of Punchin; the build reads it from here."""

VERSION = "0.1.0"
