"""Planning of convolutions on channels: the question, the candidates, the choice, the plan."""
