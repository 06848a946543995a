"""Every output with every loss that suits it: (kind, classes, output, loss)."""

from __future__ import annotations

from engine.formulas.losses import valid_losses, valid_outputs

PAIRS = [
    (kind, classes, output, loss)
    for kind, classes in (("classification", 2), ("classification", 3), ("regression", 0))
    for output in valid_outputs(kind, classes)
    for loss in valid_losses(kind, output)
]
