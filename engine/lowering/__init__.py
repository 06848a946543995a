"""Lowers the formulas of a step to the text of a few kernels, for any target that compiles C.

sketch: the formulas as a graph of operations. fusion: which operations share a kernel. kernel_text: the lines of a
kernel. target: the interface of a language; implemented by engine/c/language.py and engine/gpu/cuda.py.
"""
