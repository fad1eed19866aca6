import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { chooseTheme, type Theme, theme } from "../theme.js";
import { Icon, type IconName } from "./icons.js";

const THEMES: readonly [Theme, string, IconName][] = [
  ["light", "Light", "sun"],
  ["auto", "Like the system", "system"],
  ["dark", "Dark", "moon"],
];

export function ThemeChoice(): JSX.Element {
  const [chosen, setChosen] = useState(theme);
  return (
    <div class="themes" role="group" aria-label="Theme">
      {THEMES.map(([name, label, icon]) => (
        <button
          key={name}
          type="button"
          aria-label={label}
          title={label}
          aria-pressed={chosen === name}
          onClick={() => {
            chooseTheme(name);
            setChosen(name);
          }}
        >
          <Icon name={icon} />
        </button>
      ))}
    </div>
  );
}
