"""How well copied codes are detected: every detector on the same simulated scans.

`dataset` makes the labelled examples, `split` says which seeds are for fitting and which for
testing, `training` fits the weights of the product's detector and `evaluation` compares that
detector with the rules of others. Only `touchstone bench detect` imports it; begin reading at
`evaluation.assemble_report.measure`.
"""
