// Applies the chosen theme before the first paint, so that no other theme flashes up.
import { applyTheme } from "./theme.js";

applyTheme();
