"""The experiment as Keras 3 code, with the same network, initial weights and batches."""

from __future__ import annotations

from lab.experiment.architecture import LayerSpec
from lab.experiment.experiment import Experiment
from lab.export.common import ExportError, Plan, Text, data_lines, generator_lines, shown

ACTIVATIONS = {
    "relu": "'relu'", "leaky_relu": "lambda z: activations.leaky_relu(z, negative_slope=0.01)", "elu": "'elu'",
    "selu": "'selu'", "gelu": "lambda z: activations.gelu(z, approximate=True)", "swish": "'silu'",
    "softplus": "'softplus'", "tanh": "'tanh'", "sigmoid": "'sigmoid'", "linear": "'linear'", "sine": "ops.sin",
    "step": "step",
}  # fmt: skip
STEP = '''
def step(z):
    """On or off; learns with the slope of the sigmoid."""
    soft = ops.sigmoid(z)
    return ops.stop_gradient(ops.cast(z > 0, z.dtype) - soft) + soft

'''
BATCH_NORM = '''
class BatchNorm(layers.BatchNormalization):
    """As in PyTorch, the running variance divides by n - 1. Keras divides by n, and computes in 32 bits only."""

    def call(self, x, training=False):
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean, variance = ops.moments(x, axes=0)
            n = ops.cast(ops.shape(x)[0], x.dtype)
            self.moving_mean.assign(0.9 * self.moving_mean + 0.1 * mean)
            self.moving_variance.assign(0.9 * self.moving_variance + 0.1 * variance * n / (n - 1))
        return ops.batch_normalization(x, mean, variance, -1, self.beta, self.gamma, self.epsilon)

'''
MOMENTUM = '''
class Momentum(keras.optimizers.SGD):
    """The rate multiplies the whole velocity, as in PyTorch. Keras' velocity keeps the rate of every earlier step."""

    def update_step(self, g, p, rate):
        v = self.momentums[self._get_variable_index(p)]
        self.assign(v, 0.9 * v + g)
        self.assign_sub(p, ops.cast(rate, p.dtype) * {change})

'''
MOMENTA = {"momentum": {"change": "v"}, "nesterov": {"change": "(g + 0.9 * v)"}}
OUTPUTS = {"sigmoid": "ops.sigmoid(z)", "softmax": "ops.softmax(z)", "tanh": "ops.tanh(z)", "linear": "z"}
LOSSES = {  # (N,) loss of each sample, from y and t, or from the logits z
    "mse": "ops.mean((y - t) ** 2, axis=1)",
    "mae": "ops.mean(ops.abs(y - t), axis=1)",
    "huber": "keras.losses.huber(t, y)",
    "binary_crossentropy": "ops.mean(ops.binary_crossentropy(t, z, from_logits=True), axis=1)",
    "categorical_crossentropy": "ops.categorical_crossentropy(t, z, from_logits=True)",
    "hinge": "ops.mean(ops.relu(1 - t * y), axis=1)",
}
OPTIMIZERS = {  # Keras adds epsilon inside the root for AdaGrad and RMSProp, so its square is equivalent
    "sgd": "SGD({rate}{more})",
    "momentum": "SGD({rate}, momentum=0.9{more})",
    "nesterov": "SGD({rate}, momentum=0.9, nesterov=True{more})",
    "adagrad": "Adagrad({rate}, initial_accumulator_value=0.0, epsilon=1e-20{more})",
    "rmsprop": "RMSprop({rate}, rho=0.99, epsilon=1e-16{more})",
    "adam": "Adam({rate}, epsilon=1e-8{more})",
    "adamw": "AdamW({rate}, weight_decay={decay}, epsilon=1e-8{more})",
}


def keras_script(plan: Plan) -> str:
    """The script. Raises ExportError for what Keras cannot do."""
    e = plan.experiment
    if e.clip_norm and e.clip_value:
        raise ExportError("Keras clips gradients by norm or by value, not by both; switch one of them off.")
    imports = "import keras\nimport numpy as np\nfrom keras import activations, layers, ops"
    text = Text(plan, "Keras", "train_keras.py", imports)
    tensor = "t = ops.convert_to_tensor(t)"
    return text.joined(
        STEP if "step" in plan.used_activations else "",
        BATCH_NORM if plan.has_batch_norm else "",
        MOMENTUM.format(**MOMENTA[e.optimizer]) if has_own_momentum(e) else "",
        f"\ndtype = np.{e.dtype}\nkeras.config.set_floatx('{e.dtype}')\n"
        f"keras.config.set_dtype_policy('{e.dtype}')\nkeras.utils.set_random_seed({e.seed})",
        data_lines(plan) + generator_lines(e),
        _model(plan),
        _first_weights(e, text.draw),
        text.loss("ops", LOSSES[e.loss_name], OUTPUTS[e.output_name], arguments="t, z", first=tensor),
        _training(text),
        text.predictions("ops.convert_to_numpy(model(x, training=False))"),
    )


def has_own_momentum(e: Experiment) -> bool:
    """Whether Keras' own momentum differs, which is the case as soon as the rate changes."""
    return e.optimizer in MOMENTA and e.schedule != "constant"


def _model(plan: Plan) -> str:
    """A sequential model or, with skip connections, a functional one."""
    specs, e = plan.architecture.layers, plan.experiment
    entry = f"layers.Input(({plan.architecture.inputs},))"
    if all(spec.kind != "residual" for spec in specs):
        rows = [entry, *(row for spec in specs for row in _lines(spec, e))]
        return "model = keras.Sequential([\n" + "".join(f"    {row},\n" for row in rows) + "])"
    calls = [f"inputs = x = {entry}"]
    for spec in specs:
        if spec.kind == "residual":
            calls += [
                "y = x",
                *(f"y = {row}(y)" for inner in spec.layers for row in _lines(inner, e)),
                "x = layers.Add()([x, y])",
            ]
        else:
            calls += [f"x = {row}(x)" for row in _lines(spec, e)]
    return "\n".join([*calls, "model = keras.Model(inputs, x)"])


def _lines(spec: LayerSpec, e: Experiment) -> list[str]:
    """The layers of Keras that are equivalent to one of our layers."""
    rules = ""
    if e.l1 or e.l2:
        rules += f", kernel_regularizer=keras.regularizers.L1L2({e.l1!r}, {e.l2 / 2!r})"
    if e.max_norm:
        axis = 0 if spec.kind == "dense" else (0, 1, 2)
        rules += f", kernel_constraint=keras.constraints.MaxNorm({e.max_norm!r}, axis={axis})"
    settings = spec.settings
    match spec.kind:
        case "image":
            return [f"layers.Reshape({(settings['height'], settings['width'], settings['channels'])})"]
        case "conv":
            return [f"layers.Conv2D({settings['filters']}, 3{rules})"]
        case "max_pool":
            return ["layers.MaxPooling2D(2)"]
        case "flatten":
            return ["layers.Permute((1, 3, 2))", "layers.Flatten()"]
        case "dense":
            return [f"layers.Dense({settings['units']}{rules})"]
        case "batch_norm":
            return ["BatchNorm(momentum=0.9, epsilon=1e-5)"]
        case "activation":
            return [f"layers.Activation({ACTIVATIONS[settings['name']]})"]
        case "dropout":
            return [f"layers.Dropout({settings['rate']!r})"]
    raise ExportError(f"The Keras code does not cover layers of the kind {spec.kind}.")


def _first_weights(e: Experiment, draw: str) -> str:
    return f"""
for layer in model.layers:  # the same initial weights as in the playground
    if isinstance(layer, {"layers.Dense | layers.Conv2D" if e.conv else "layers.Dense"}):
        shape = layer.kernel.shape
        area = int(np.prod(shape[:-2]))
        drawn = {draw}(for_weights, tuple(shape), area * shape[-2], area * shape[-1])
        layer.set_weights([drawn, np.zeros(shape[-1])])
"""


def _training(text: Text) -> str:
    e = text.plan.experiment
    clips = {"global_clipnorm": e.clip_norm, "clipvalue": e.clip_value}
    more = "".join(f", {name}={value!r}" for name, value in clips.items() if value)
    optimizer = OPTIMIZERS[e.optimizer].format(rate=repr(e.learning_rate), decay=repr(e.weight_decay), more=more)
    optimizer = f"keras.optimizers.{optimizer}"
    if has_own_momentum(e):
        optimizer = f"Momentum({e.learning_rate!r}, momentum=0.9{more})"
    plain = "optimizer.exclude_from_weight_decay(var_names=['bias', 'gamma', 'beta'])\n"
    rate = "" if e.schedule == "constant" else f"optimizer.learning_rate.assign({text.rate})\n"
    end = f"""\
train = ops.convert_to_numpy(loss({shown("t_train")}, model({shown("x_train")}, training=False)))
test = ops.convert_to_numpy(loss(t_test, model(x_test, training=False)))
"""
    return f"""
optimizer, size = {optimizer}, {text.plan.batch_size}
{plain if e.optimizer == "adamw" else ""}model.compile(optimizer, loss)
{text.loop(f"{rate}model.train_on_batch(x_train[batch], t_train[batch])" + chr(10), end)}"""
