"""A neural network from scratch. Read in this order:

activations and losses (the formulas), layers (forward beside backward), network (layers in a row), optimizers (from
gradient to step), trainer (the loop), gradient_check (how we know it is right), tape (why it is fast); for graphics
cards accelerator, sketch, fusion, program (how the same formulas become few kernels), shades, ring, draws (what stays
there: pictures, the curve, chance).
"""

from engine.formulas.activations import ACTIVATIONS
from engine.formulas.initializers import INITIALIZERS
from engine.formulas.losses import LOSSES, OUTPUTS
from engine.formulas.optimizers import OPTIMIZERS
from engine.formulas.regularizers import REGULARIZERS
from engine.formulas.schedules import SCHEDULES

__all__ = ["ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "OUTPUTS", "REGULARIZERS", "SCHEDULES"]
