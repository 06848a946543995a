"""Execution on an NVIDIA card by CUDA, through CuPy. Experimental: nothing here has run on a real card yet.

Verified without a card: the arithmetic of the kernels (compiled as C++ for the processor), their acceptance by NVIDIA's
compiler, the existence of every called CuPy function, and the order of launches, copies and waits (by the strict fake
of CuPy in tests/engine/gpu). Not verified: speed and behavior on a card.

Read in this order: executor (steps on the device), replica (its network, optimizer and data), cuda_graph (steps as a
CUDA graph of kernels), verify_program (their verification), cuda (the text of the kernels), epoch_score_buffer,
quantized_inputs, device_rng (scores, pictures and random numbers that stay on the device).
"""
