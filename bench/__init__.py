"""Repeatable benchmarks: python -m bench cpu|gpu|live|class|ablation."""
