"""The experiment as one C file: the playground's kernels with the names and sizes of this network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from engine import OPTIMIZERS, SCHEDULES
from engine.c.program import sketch_evaluation, sketch_step, twin_of
from engine.formulas.losses import Objective
from engine.lowering.sketch import Unsketchable
from engine.network.network import Network
from engine.step.data import MAX_EVALUATED_SAMPLES, Part
from engine.step.update import StepFormulas
from lab.export.c_loops import SIZES, LoopWriter, Names, declared, numbers_in
from lab.export.c_maps import MAP_FUNCTIONS, OPENING
from lab.export.common import ExportError, Plan, opening
from lab.training.build import generators, layers

MAX_BYTES = 1_900_000_000  # of the arrays that the program declares; linkers refuse 2 GiB
COMPILE = "cc -O2 -march=native -fopenmp-simd -o train train.c -lm && ./train"
PRELUDE = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tgmath.h>

typedef $REAL$ real;
#define real(x) ((real)(x))
"""
HELPERS = {  # called by steps and evaluations
    "larger": "static inline real larger(real a, real b) { return a > b || a != a ? a : b; }\n",
    "smaller": "static inline real smaller(real a, real b) { return a < b || a != a ? a : b; }\n",
    "side": "static inline real side(real a) { return a > 0 ? real(1) : a < 0 ? real(-1) : a; }\n",
    "above": "static inline real above(real a, real b) "
    "{ return a > 0 ? real(1) : a < 0 ? real(0) : a == 0 ? b : a; }\n",
    "multiply": """
/* C (M, N) = A (M, K) B (K, N) + row (1, N), unless row is 0; am, ak, bk, bn: steps in memory, so that A and B may be
   transposed. */
static inline void multiply(int M, int N, int K, const real *A, int am, int ak, const real *B, int bk, int bn,
                            const real *row, real *restrict C) {
  for (int m = 0; m < M; m++) {
    for (int n = 0; n < N; n++) C[m * N + n] = 0;
    for (int k = 0; k < K; k++)
      for (int n = 0; n < N; n++) C[m * N + n] += A[m * am + k * ak] * B[k * bk + n * bn];
    if (row)
      for (int n = 0; n < N; n++) C[m * N + n] += row[n];
  }
}
""",
}
RANDOM = """
/* The generator of NumPy, PCG64 (O'Neill 2014), so that batches and masks are the playground's. */
typedef unsigned __int128 wide;
typedef struct { wide state, step; int has_half; uint32_t half; } Generator;

static uint64_t bits64(Generator *g) {
  g->state = g->state * (((wide)0x2360ed051fc65da4 << 64) | 0x4385df649fccf645) + g->step;
  uint64_t mixed = (uint64_t)(g->state >> 64) ^ (uint64_t)g->state;
  int turn = (int)(g->state >> 122);
  return mixed >> turn | mixed << (-turn & 63);
}
"""
HALVES = """static uint32_t bits32(Generator *g) {
  if ((g->has_half = !g->has_half)) {
    uint64_t both = bits64(g);
    g->half = (uint32_t)(both >> 32);
    return (uint32_t)both;
  }
  return g->half;
}
"""
SHUFFLE = """
/* A whole number from 0 to last: random bits, until they are small enough. */
static uint32_t draw(Generator *g, uint32_t last) {
  uint32_t mask = last, found;
  for (int k = 1; k < 32; k *= 2) mask |= mask >> k;
  do found = bits32(g) & mask; while (found > last);
  return found;
}
static void shuffle(int *order, int count) {
  for (int i = 0; i < count; i++) order[i] = i;
  for (int i = count - 1; i > 0; i--) {
    int j = (int)draw(&for_batches, i), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}
"""
UNIFORM = {
    "float32": "static real uniform(Generator *g) { return (bits32(g) >> 8) * 0x1p-24f; }\n",
    "float64": "static real uniform(Generator *g) { return (bits64(g) >> 11) * 0x1p-53; }\n",
}
MAIN = """
static void train_one_epoch(FILE *data) {
  static int order[TRAIN];
  static real x[BATCH * INPUTS], t[BATCH * TARGETS];
$ORDER$
  for (int start = 0, N; start < TRAIN; start += N) {
    N = start + $SIZE$ < TRAIN ? $SIZE$ : TRAIN - start;
$JOIN$    for (int i = 0; i < N; i++) {
      for (int k = 0; k < INPUTS; k++) x[i * INPUTS + k] = x_train[order[start + i] * INPUTS + k];
      for (int k = 0; k < TARGETS; k++) t[i * TARGETS + k] = t_train[order[start + i] * TARGETS + k];
    }
$NOISE$    read_numbers(data);
    step(N, x, t);
  }
}

int main(void) {
  FILE *data = fopen("data.bin", "rb");
  if (!data) {
    fprintf(stderr, "data.bin must lie in the current folder.\\n");
    return 1;
  }
$READ$
  for (int epoch = 0; epoch <= EPOCHS; epoch++) {
    if (epoch) train_one_epoch(data);
    double train = evaluate(SHOWN, x_train, t_train), test = evaluate(TEST, x_test, t_test);
    printf("%5d  %.9f  %.9f\\n", epoch, train, test);
  }
}
"""


class Drawn(NamedTuple):
    """The untrained network of an experiment, its step, and the generators as they are before the first step."""

    network: Network
    formulas: StepFormulas
    rngs: dict[str, np.random.Generator]


class Functions(NamedTuple):
    """The texts of the C functions, the names in them, and how many numbers their arrays have."""

    maps: str
    step: str
    evaluation: str
    names: Names
    numbers: int


def drawn(plan: Plan) -> Drawn:
    """Raises ExportError for what the C does not cover."""
    e = plan.experiment
    for_weights, for_batches, for_dropout = generators(e)
    inputs = (plan.architecture.inputs,)
    network = Network(layers(plan.architecture.layers, for_dropout), inputs, rng=for_weights, dtype=e.dtype)
    optimizer = OPTIMIZERS[e.optimizer](
        e.learning_rate, network.parameters.size, network.dtype, decays=network.weight_mask
    )
    formulas = StepFormulas(network, _objective(plan), optimizer, plan.batches)
    formulas.configure(e.settings())
    rngs = {"for_batches": for_batches} if plan.batch_size < plan.batches else {}
    return Drawn(network, formulas, rngs | ({"for_dropout": for_dropout} if network.rngs else {}))


def _objective(plan: Plan) -> Objective:
    """The formulas of the loss. The weights of classes are columns of the targets."""
    e = plan.experiment
    weights = np.ones(e.source.classes) if plan.weighted else None
    return Objective(e.source.kind, e.source.classes, e.output_name, e.loss_name,
                     label_smoothing=e.label_smoothing, class_weights=weights)  # fmt: skip


# The file ------------------------------------------------------------------------------------------------------------


def c_script(plan: Plan) -> str:
    """The C file; it reads what `data_file` writes. Raises ExportError."""
    found, e = drawn(plan), plan.experiment
    columns, targets = _widths(plan)
    made = _functions(plan, found)
    numbers = made.numbers + (columns + targets) * (2 * plan.batches + plan.tests)  # and the samples of a batch
    if (needed := numbers * found.network.dtype.itemsize) > MAX_BYTES:
        memory, allowed = (f"{size / 1e9:.1f} GB" for size in (needed, MAX_BYTES))
        problem = f"The C program holds all examples at once, for which it would need {memory}; allowed: {allowed}."
        raise ExportError(f"{problem} Choose fewer examples.")
    sizes = {"EPOCHS": plan.epochs, "INPUTS": columns, "TARGETS": targets, "TRAIN": plan.batches, "TEST": plan.tests,
             "BATCH": _largest_batch(plan, found),
             "SHOWN": min(plan.batches, MAX_EVALUATED_SAMPLES)}  # fmt: skip
    lines = [f"enum {{ {', '.join(f'{name} = {size}' for name, size in sizes.items())} }};"]
    lines += [f"static real x_{part}[{part.upper()} * INPUTS], t_{part}[{part.upper()} * TARGETS];"
              for part in ("train", "test")]  # fmt: skip
    lines += _memory(found, made.names)
    parts = [_comment(plan), PRELUDE.replace("$REAL$", "float" if e.dtype == "float32" else "double")]
    parts += ["".join(HELPERS.values()), made.maps, *lines, _random(plan, found.rngs), made.step, made.evaluation]
    parts += [_reading(made.names.varying), _main(plan, found, made.names)]
    return "\n".join(parts)


def _largest_batch(plan: Plan, found: Drawn) -> int:
    return min(plan.batch_size + int(found.network.couples_samples), plan.batches)


def _random(plan: Plan, rngs: dict[str, np.random.Generator]) -> str:
    """The generators that training draws from."""
    is_single, mixed = plan.experiment.dtype == "float32", "for_batches" in rngs
    text = RANDOM + (HALVES if mixed or is_single else "")
    text += "".join(f"\nstatic Generator {name} = {_state(rng)};" for name, rng in rngs.items())
    text += (SHUFFLE if mixed else "") + (UNIFORM[plan.experiment.dtype] if "for_dropout" in rngs else "")
    return text if rngs else ""


def c_step(plan: Plan) -> str:
    """The function of one training step, followed by the functions that it calls. Raises ExportError."""
    step = _functions(plan, drawn(plan)).step
    maps = [function.text for name, function in MAP_FUNCTIONS.items() if f"{name}(" in step]
    helpers = [text for name, text in HELPERS.items() if f"{name}(" in "".join([step, *maps])]
    return "\n\n".join(text.strip() for text in (step, *helpers, *([OPENING] if maps else []), *maps))


def _widths(plan: Plan) -> tuple[int, int]:
    """Numbers of a sample, and of its targets."""
    return plan.architecture.inputs, _objective(plan).units + (2 if plan.weighted else 0)


def _comment(plan: Plan) -> str:
    text = opening(replace(plan, table=False), "C", "train.c").strip('"\n').split("\n")
    text[0] = f"The network of this experiment in C: {COMPILE}"
    return "/* " + "\n   ".join(text).replace("data.npz", "data.bin") + " */\n"


def _memory(found: Drawn, names: Names) -> list[str]:
    """Declarations of the parameters, their gradients, and what else training keeps."""
    count, lines = len(found.network.parameters), []
    lines.append(f"static real parameters[{count}], gradients[{count}];")
    for flat, prefix in (("parameters", ""), ("gradients", "d")):
        views = [f"*const {prefix}{name} = {flat} + {place}" for name, place in names.views.items()]
        lines += [f"static real {', '.join(views[start : start + 3])};" for start in range(0, len(views), 3)]
    others = {**names.state, **found.formulas.optimizer.slots}
    lines += [f"static real {name}[{array.size}];" for name, array in others.items()]
    if found.formulas.optimizer.weight_decay is not None:
        lines.append(f"static real decays[{count}];")
    if width := sum(int(np.prod(layer.output_shape)) for _, layer in found.network.walk() if layer.rngs):
        lines.append(f"static real noise[BATCH * {width}];")
    lines += [f"static const double {name} = {float(value)!r};" for name, value in names.constants.items()]
    if names.varying:
        lines.append(f"static double {', '.join(names.varying)}; /* numbers of the present step */")
    return lines


def _state(rng: np.random.Generator) -> str:
    state: Any = rng.bit_generator.state
    words = (f"((wide){n >> 64:#x} << 64) | {n & (1 << 64) - 1:#x}" for n in state["state"].values())
    return f"{{{', '.join(words)}, {state['has_uint32']}, {state['uinteger']}}}"


def _reading(varying: Sequence[str]) -> str:
    reads = "".join(f"  take(&{name}, sizeof {name}, 1, data);\n" for name in varying)
    return f"""static void take(void *numbers, size_t size, size_t count, FILE *data) {{
  if (fread(numbers, size, count, data) != count) fprintf(stderr, "data.bin is too short.\\n"), exit(1);
}}
static void read_numbers(FILE *data) {{
{reads}}}
"""


def _main(plan: Plan, found: Drawn, names: Names) -> str:
    mixed = plan.batch_size < plan.batches
    words = {
        "ORDER": "  shuffle(order, TRAIN);" if mixed else "  for (int i = 0; i < TRAIN; i++) order[i] = i;",
        "SIZE": str(plan.batch_size),
        "JOIN": "    if (start + N == TRAIN - 1) N++; /* normalization cannot learn from a single sample */\n"
        if found.network.couples_samples
        else "",
        "NOISE": "    for (size_t k = 0; k < N * (sizeof noise / sizeof(real) / BATCH); k++) "
        "noise[k] = uniform(&for_dropout);\n"
        if found.network.rngs
        else "",
        "READ": "\n".join(
            f"  take({name}, sizeof(real), sizeof {name} / sizeof(real), data);" for name in _stored(found, names)
        ),
    }
    text = MAIN
    for word, value in words.items():
        text = text.replace(f"${word}$", value)
    return text


def _stored(found: Drawn, names: Names) -> list[str]:
    """The arrays that begin data.bin, in order. The numbers of each step follow."""
    decays = ["decays"] if found.formulas.optimizer.weight_decay is not None else []
    return ["parameters", *decays, *names.state, "x_train", "t_train", "x_test", "t_test"]


def data_file(plan: Plan, examples: Any) -> bytes:
    """The content of data.bin for the C file: arrays in the precision of the experiment, then doubles of each step."""
    found = drawn(plan)
    names = _functions(plan, found).names
    dtype, optimizer = found.network.dtype, found.formulas.optimizer
    arrays = {"parameters": found.network.parameters, "decays": optimizer.decays, **names.state}
    for part in ("train", "test"):
        x = getattr(examples, f"x_{part}")
        if plan.pixels:
            x = ((x - examples.mean) / examples.scale).astype(np.float32)
        arrays |= {f"x_{part}": x, f"t_{part}": getattr(examples, f"t_{part}")}
    stored = [np.ascontiguousarray(arrays[name], dtype).tobytes() for name in _stored(found, names)]
    return b"".join([*stored, _numbers(plan, found, names.varying).tobytes()])


def _numbers(plan: Plan, found: Drawn, varying: Sequence[str]) -> np.ndarray:
    """(steps, n) float64: the numbers of each step."""
    s, optimizer = found.formulas.settings, found.formulas.optimizer
    smallest = 2 if found.network.couples_samples else 1
    starts = np.arange(0, max(1, plan.batches - smallest + 1), plan.batch_size) / plan.batches
    times = (np.arange(plan.epochs)[:, None] + starts).ravel()
    factor = SCHEDULES[s.schedule].factor
    rates = np.array([s.learning_rate * factor(float(time), s.schedule_span) for time in times], optimizer.rate.dtype)
    t = np.arange(1, len(times) + 1, dtype=np.float64)
    numbers = optimizer.numbers(t, rates.astype(np.float64))
    return np.stack([numbers[name] for name in varying], axis=1) if varying else np.empty((len(times), 0))


# Its functions -------------------------------------------------------------------------------------------------------


def _functions(plan: Plan, found: Drawn) -> Functions:
    twin, dtype, formulas, names = twin_of(found.network), found.network.dtype, found.formulas, Names(found.formulas)
    columns, targets = _widths(plan)
    steps, evaluations = [], []
    try:
        for size in SIZES:
            x, t = np.zeros((size, columns), dtype), np.zeros((size, targets), dtype)
            steps.append(sketch_step(twin, formulas, x, t))
            evaluations.append((x, t, sketch_evaluation(twin, formulas.objective, Part(x, t, np.zeros(size)))))
    except Unsketchable as problem:
        raise ExportError(f"The C program does not cover this experiment: {problem}.") from None
    numbers = names.use(steps[0].numbers)
    step = LoopWriter(names, [{"x": s.x, "t": s.t, "noise": s.noise} for s in steps], numbers)
    body = step.statements([s.launches for s in steps])
    text = f"""
/* One training step on samples x (N, {columns}) with targets t (N, {targets}). */
static void step(int N, const real *x, const real *t) {{
{declared(step.declared, "BATCH")}{body}}}
"""
    evaluation = LoopWriter(names, [{"x": x, "t": t, "z": e.z, "y": e.y, "loss": e.loss} for x, t, e in evaluations])
    body = evaluation.statements([e.launches for *_, e in evaluations])
    largest = max(min(plan.batches, MAX_EVALUATED_SAMPLES), plan.tests)
    called = step.on_maps | evaluation.on_maps
    maps = [OPENING if called else "", *(function.text for name, function in MAP_FUNCTIONS.items() if name in called)]
    return Functions(
        "".join(maps),
        text,
        f"""
/* The mean loss of samples x (N, {columns}) with targets t (N, {targets}). */
static double evaluate(int N, const real *x, const real *t) {{
{declared({"loss": "1", **evaluation.declared}, str(largest))}{body}  return loss[0];
}}
""",
        names,
        numbers_in(step.declared, _largest_batch(plan, found)) + numbers_in(evaluation.declared, largest),
    )
