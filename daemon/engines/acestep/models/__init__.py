"""Models on disk: what there is to fetch, what a folder holds, and how the two layouts map.

Imports no torch, but for `convert`.
"""
