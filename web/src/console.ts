// What every page of the console loads: its style, its live part, its keyboard; the islands only where a page has one.

import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/map.css";
import { startActions } from "./actions";
import { startKeys } from "./keys";
import { startClock } from "./live/ages";
import { startLive } from "./live/live";
import { startSelection } from "./selection";

startClock();
startActions();
startSelection();
startKeys();
startLive();

if (document.querySelector("city-map")) void import("./map/city-map");
if (document.querySelector("history-plot")) void import("./plot/history-plot");
