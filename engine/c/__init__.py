"""Many training steps as one call of C, compiled on this machine from the same formulas as CUDA's kernels.

language: how kernels, sums and products are written in C. program: the text of a network's steps and evaluations, and
the tables of addresses that it is called with. runtime: what is the same for all networks, in runtime.c and
convolution.c. compiler: finds the machine's compiler and keeps what it has compiled. executor: decides whether a run is
compiled, and takes its steps. forward: the outputs of layers on fixed samples, for maps. build: compiles in the
background. relocation: moves a known program to the arrays of another run. Without a compiler runs are on the tape.
"""
