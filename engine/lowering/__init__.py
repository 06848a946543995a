"""From the formulas of a step to the text of a few kernels, for any target that compiles C.

sketch: the formulas as a graph of operations. fusion: which of them share a kernel. kernel_text: the lines of a kernel.
target: what a language has to offer; engine/gpu/cuda.py is the only one so far.
"""
