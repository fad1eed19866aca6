// Runs before the first paint: the theme that was chosen here, so that nothing flashes.
import { applyTheme } from "./theme.js";

applyTheme();
