"""The network of a model file, which predicts new rows without the data that it was trained on."""

from __future__ import annotations

import numpy as np

from data.dataset import as_inputs, plane_inputs
from engine.formulas.losses import Objective
from engine.network.network import Network
from lab.experiment.architecture import architecture_of
from lab.training.build import layers
from lab.training.model_file import Model, ModelFileError, scaling_of, weights_for

MAX_NUMBERS = 4_000_000  # in a piece of examples


class Predictor:
    """A network with the scaling and the labels of its data. Raises ModelFileError for weights of another network.

    recipe: from the columns of a file to raw examples. classes: the labels, as in the training file; none for numbers.
    """

    def __init__(self, model: Model) -> None:
        e, rng = model.experiment, np.random.default_rng(0)
        self.experiment, self.recipe, source = e, model.recipe, e.source
        if not source.plane and self.recipe.inputs != e.inputs:
            raise ModelFileError(f"The recipe makes {self.recipe.inputs:,} inputs; the network has {e.inputs:,}.")
        self.classes = model.metadata["classes"] if source.classes else []
        self.network = Network(layers(architecture_of(e).layers, rng), (e.inputs,), rng=rng, dtype=e.dtype)
        self.network.set_state(*weights_for(self.network, model))
        self._mean, self._scale, self._target_scaling = scaling_of(model, e.inputs)
        self._objective = Objective(source.kind, source.classes, e.output_name, e.loss_name)
        self.rows = max(1, MAX_NUMBERS // max(e.inputs, len(self.recipe.columns)))

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Raw examples (N, columns) -> class numbers (N,), or values (N,) in the unit of the target."""
        e = self.experiment
        if e.source.plane:
            x = plane_inputs(raw, names=e.features, formula=e.formula, mean=self._mean, scale=self._scale)
        else:
            x = as_inputs(raw, e.scaling, self._mean, self._scale)
        answers = self._objective.predict(self.network.forward(x.astype(self.network.dtype, copy=False)))
        mean, scale = self._target_scaling
        return answers if self.classes else answers * scale + mean
