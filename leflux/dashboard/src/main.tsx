import { render } from "preact";
import { App } from "./app.js";

const root = document.querySelector("#app")!;
root.replaceChildren();
render(<App />, root);
