import type { JSX } from "preact";

const PATHS = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
  chats: "M5 5h14a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 19 16h-6.5L8 19.8V16H5a1.5 1.5 0 0 1-1.5-1.5v-8A1.5 1.5 0 0 1 5 5zM8 9h8M8 12h5",
  chart: "M4 20h16M7 16v-5M12 16V6M17 16v-8",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4",
  search: "M10.8 17.5a6.7 6.7 0 1 0 0-13.4 6.7 6.7 0 0 0 0 13.4zM15.7 15.7l4.5 4.5",
  sun: "M12 16.2a4.2 4.2 0 1 0 0-8.4 4.2 4.2 0 0 0 0 8.4zM12 2.8v1.7M12 19.5v1.7M2.8 12h1.7M19.5 12h1.7M5.5 5.5l1.2 1.2M17.3 17.3l1.2 1.2M18.5 5.5l-1.2 1.2M6.7 17.3l-1.2 1.2",
  moon: "M20 14.2A8.3 8.3 0 0 1 9.8 4a8.3 8.3 0 1 0 10.2 10.2z",
  system: "M3.5 5h17v11.5h-17zM9 20h6M12 16.5V20",
  out: "M10 4.5H5.5v15H10M14.5 8l4 4-4 4M18 12H9.5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.7-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 10.5v5.5M13.8 10.5v5.5",
  copy: "M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9",
  check: "M5 12.5l4.5 4.5L19 7",
  down: "M6.5 9.5l5.5 5.5 5.5-5.5",
  left: "M14.5 6l-6 6 6 6",
  right: "M9.5 6l6 6-6 6",
  download: "M12 4v10.5M7.5 10.5L12 15l4.5-4.5M5 19.5h14",
  warn: "M12 4.5l8.5 15h-17zM12 10.5v4M12 17v.01",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
  task: "M4.5 6.5l1.5 1.5 2.7-3M4.5 16.5L6 18l2.7-3M12 7h8M12 17h8",
  page: "M6.5 3.5h7.5l4 4v13h-11.5zM14 3.5v4h4",
  empty: "M4 13.5l2.5-8h11l2.5 8v5H4zM4 13.5h4.5l1 2h5l1-2H20",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4.2h-4.2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="9" />
      <path d="M9 8v10.5c0 3 2 5 5 5h9M14.5 9.5h8.5M14.5 16h6" />
    </svg>
  );
}
