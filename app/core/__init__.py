"""What every layer meets in: types, errors, settings, time, money."""
