"""Planning of SciPy's family: the question, the methods' candidates, the choice, the plan."""
