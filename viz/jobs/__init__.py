"""Work that takes a while: in a thread of its own, with progress, ended when nobody waits."""
