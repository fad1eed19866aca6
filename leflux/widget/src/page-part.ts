// The part that reads the page. A page on which nobody chats never needs it.

import type { PagePart } from "./page-description.js";
import { PageInspector } from "./page-inspector.js";
import { offer } from "./part-loader.js";

offer<PagePart>("page", { PageInspector });
