"""Upper limits from counted events: CLs, exact, by toys, asymptotic; unified intervals; the background budget."""
