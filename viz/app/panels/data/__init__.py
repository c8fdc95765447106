"""The panels of the Data page: each shows one part of an audit."""
