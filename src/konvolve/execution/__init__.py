"""From a call to a result: the operands taken apart, the plan asked for, and run."""
