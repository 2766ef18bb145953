// A new problem in ten seconds: what, a photo, here. It is kept at once, and sent when there is network.

import { h } from "./draw";
import { smaller } from "./photo";
import type { Position } from "./position";
import { choice, field, sheet, textOf } from "./sheet";
import type { Day, Item } from "./types";
import { word } from "./words";

interface Place {
  readonly lon: number;
  readonly lat: number;
}

/** Open the sheet; `send` keeps what it gives. */
export function openProblem(day: Day, position: Position, send: (data: Item["data"], picture?: Blob) => Promise<unknown>): void {
  const where = h("p", { class: "muted", role: "status" }, word("position.wait"));
  const lacking = h("p", { class: "lacking", role: "alert" });
  const preview = h("img", { class: "preview", alt: "", hidden: true });
  const camera = h("input", { class: "sr", type: "file", accept: "image/*", capture: "environment", id: "problem-picture" });
  let place: Place | undefined;
  let picture: Blob | undefined;
  const found = (coords: GeolocationCoordinates): void => {
    place = { lon: coords.longitude, lat: coords.latitude };
    where.textContent = word("problem.here", { lat: place.lat.toFixed(5), lon: place.lon.toFixed(5) });
    lacking.textContent = "";
  };
  if (position.last) found(position.last.coords);
  else position.once().then((one) => found(one.coords)).catch(() => (where.textContent = word("problem.nowhere")));
  camera.addEventListener("change", () => {
    const file = camera.files?.[0];
    if (!file) return;
    smaller(file)
      .then((drawn) => {
        picture = drawn.picture;
        preview.src = URL.createObjectURL(drawn.small);
        preview.hidden = false;
        lacking.textContent = "";
      })
      .catch(() => (lacking.textContent = word("picture.failed")));
  });
  const kinds = day.categories.map(({ code, title }) => h("label", { class: "button big kind" }, h("input", { type: "radio", name: "category", value: code }), h("span", {}, title)));
  sheet(
    word("problem.title"),
    [
      h("label", { class: "button big take" }, camera, h("span", {}, word("problem.picture")), preview),
      where,
      h("fieldset", { class: "kinds" }, h("legend", {}, word("problem.what")), ...kinds),
      field("text", word("problem.word"), 1),
      lacking,
      choice("send", word("problem.send"), true),
    ],
    async (form) => {
      if (!place) {
        lacking.textContent = word("problem.nowhere");
        return false;
      }
      const category = String(new FormData(form).get("category") ?? "");
      if (!category) {
        lacking.textContent = word("problem.what.needed");
        return false;
      }
      await send({ category, text: textOf(form, "text"), ...place }, picture);
      return true;
    },
  );
}
