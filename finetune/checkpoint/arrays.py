"""Types of the arrays that pass between packages."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.floating]
"""float32, or float64 where the classifier was loaded in double precision."""
