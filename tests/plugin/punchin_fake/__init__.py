"""A plug-in like a stranger's: an engine that obeys the contract, and two that don't."""
