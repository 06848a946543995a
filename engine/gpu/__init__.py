"""Execution on an NVIDIA card by CUDA, through CuPy. Experimental: nothing here has run on a real card yet.

What is verified without one: the arithmetic of the kernels (compiled as C++ for the processor), that NVIDIA's compiler
accepts them, that CuPy has every function that is called, and the order of launches, copies and waits (tests/engine/gpu
has a strict stand-in for CuPy). Speed and behavior on a card are not.

Read in this order: executor (steps on the device), replica (network, optimizer and data there), cuda_graph (a step as
kernels that the card repeats by itself), verify_program (when to trust those), cuda (the text of the kernels),
epoch_score_buffer, quantized_inputs, device_rng (scores, pictures and random numbers that stay on the device).
"""
