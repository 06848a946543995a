"""Random numbers drawn on a device, equal to the bit to those of NumPy on the host.

The state of PCG64 (O'Neill 2014) has 128 bits and changes by s <- s M + c. Many such changes together have the same
form, so each thread jumps to its own number. The host sends the state at the start of a step and skips the numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.backend import Backend
from engine.gpu import cuda
from engine.lowering.target import Launch

MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645  # M
LOW_128_BITS, LOW_64_BITS, LOW_32_BITS = ((1 << bits) - 1 for bits in (128, 64, 32))
STATE_NUMBERS = 6  # that describe a state: its four words, whether half of a draw is unused, and that half
JUMP = """const double *given = numbers + (int)numbers[0] + offset;
bool held = {halves} && given[4] != 0;
int number = t - held, n = number / {each} + 1;
unsigned long long high = (unsigned long long)given[0] << 32 | (unsigned long long)given[1];
unsigned long long low = (unsigned long long)given[2] << 32 | (unsigned long long)given[3];
for (const unsigned long long *jump = jumps; n; n /= 2, jump += 4) {{
  if (n % 2 == 0) continue;
  unsigned long long more = __umul64hi(low, jump[1]) + high * jump[1] + low * jump[0];
  low = low * jump[1] + jump[3];
  high = more + jump[2] + (low < jump[3]);
}}
unsigned long long mixed = high ^ low;
int turn = high >> 58;
mixed = mixed >> turn | mixed << (64 - turn) % 64;"""
SINGLE = """unsigned int word = t < held ? (unsigned int)given[5] : number % 2 ? mixed >> 32 : mixed;
out[t] = (word >> 8) * real(1.0 / 16777216);"""
DOUBLE = "out[t] = (mixed >> 11) * real(1.0 / 9007199254740992);"


class DeviceDraw:
    """Fills `target` on the device in every step as rng.random would. offset: of the state in a step's numbers."""

    def __init__(self, backend: Backend, rng: np.random.Generator, target: Any, numbers: Any, offset: int) -> None:
        self.rng, self.count, self.single = rng, target.size, target.dtype == np.float32
        body = JUMP.format(halves=str(self.single).lower(), each=2 if self.single else 1)
        body = [*body.splitlines(), *(SINGLE if self.single else DOUBLE).splitlines()]
        parameters = "const double *numbers, int offset, const unsigned long long *jumps, real *out, int count"
        source = cuda.prelude(target.dtype) + cuda.each("draw", parameters, body, "t")
        jumps = backend.send(_jumps(rng.bit_generator.state["state"]["inc"]))
        self.launch = Launch(
            source, "draw", cuda.blocks(self.count), (numbers, np.int32(offset), jumps, target, np.int32(self.count))
        )

    def next_state(self) -> list[float]:
        """The state of the generator as STATE_NUMBERS numbers. Advances it past the numbers that the device draws."""
        whole: Any = self.rng.bit_generator.state
        state, increment = whole["state"]["state"], whole["state"]["inc"]
        numbers = [state >> shift & LOW_32_BITS for shift in (96, 64, 32, 0)] + [whole["has_uint32"], whole["uinteger"]]
        steps = self.count
        if self.single:
            steps, odd = divmod(self.count - whole["has_uint32"] + 1, 2)
            whole["has_uint32"] = 1 - odd
        multiplier, plus = _after(steps, increment)
        state = (state * multiplier + plus) & LOW_128_BITS
        whole["state"]["state"] = state
        if self.single and steps:
            whole["uinteger"] = _mixed(state) >> 32
        self.rng.bit_generator.state = whole
        return list(map(float, numbers))


def can_draw(rng: Any) -> bool:
    """Whether the numbers of a generator can be drawn on the device."""
    return isinstance(rng, np.random.Generator) and isinstance(rng.bit_generator, np.random.PCG64)


def _after(steps: int, increment: int) -> tuple[int, int]:
    """Multiplier and summand of n steps: M^n and c (1 + M + ... + M^(n-1))."""
    power = pow(MULTIPLIER, steps, (MULTIPLIER - 1) << 128)
    return power & LOW_128_BITS, increment * ((power - 1) // (MULTIPLIER - 1)) & LOW_128_BITS


def _jumps(increment: int) -> np.ndarray:
    """(31, 4) uint64: high and low halves of the multiplier and the summand of 1, 2, 4, ... steps."""
    pairs = [_after(1 << bit, increment) for bit in range(31)]
    return np.array([[m >> 64, m & LOW_64_BITS, p >> 64, p & LOW_64_BITS] for m, p in pairs], np.uint64)


def _mixed(state: int) -> int:
    """The output of a state: both halves folded into one, and rotated."""
    folded, turn = (state >> 64 ^ state) & LOW_64_BITS, state >> 122
    return (folded >> turn | folded << (64 - turn)) & LOW_64_BITS
