"""The pure core: code text, trust, verdicts, histories, findings.

Takes bytes, times and past sightings; returns values. Opens nothing, asks no
clock, draws no random number.
"""
