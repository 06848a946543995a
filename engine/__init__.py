"""A neural network from scratch. Read in this order:

1. formulas: what a textbook prints. Activations, losses, regularizers, optimizers, schedules, initializers, metrics.
2. network: layers with forward beside backward, and the network that they form.
3. step: one training step. Gradient of a batch, update of the parameters, settings, progress, and the interface of an
   executor, which carries out steps.
4. tape: the executor for the processor. It records a step once and replays it.
5. training: the loop, stop rules, divergence, history, checkpoints, diagnostics, gradient check, rate finder.
6. lowering, c and gpu: the same formulas as a few kernels, in C for this processor and in CUDA. CUDA is not verified on
   a real card yet.

Each package imports only those before it, except that training also imports c and gpu. backend finds the devices of a
machine and is the only module that imports CuPy; cards puts what it finds into words.
"""

from engine.formulas.activations import ACTIVATIONS
from engine.formulas.initializers import INITIALIZERS
from engine.formulas.losses import LOSSES, OUTPUTS
from engine.formulas.optimizers import OPTIMIZERS
from engine.formulas.regularizers import REGULARIZERS
from engine.formulas.schedules import SCHEDULES

__all__ = ["ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "OUTPUTS", "REGULARIZERS", "SCHEDULES"]
