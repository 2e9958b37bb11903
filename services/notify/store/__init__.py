"""All SQL of notify, by what it is about: children's assessments, alert rows, schools, deliveries."""
