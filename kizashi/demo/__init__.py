"""``kizashi demo``: a simulated school year through the real system, watched."""
