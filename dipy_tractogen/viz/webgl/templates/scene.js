"use strict";

const root = document.documentElement;
const place = (id) => document.getElementById(id);
const makeElement = document.createElement.bind(document);

// K3D styles its menu and sets the labels of its grid as HTML. Neither is shown here, and
// the policy of the page refuses both: no text of a scene ever becomes markup.
document.createElement = (name, ...more) =>
  makeElement(name === "style" ? "template" : name, ...more);
Object.defineProperty(Element.prototype, "innerHTML", { set() {} });

function make(name, { text, className, ...more } = {}) {
  const element = makeElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return Object.assign(element, more);
}

const decode = (id) =>
  Uint8Array.from(atob(place(id).textContent), (letter) => letter.charCodeAt(0));

/** Run the script of K3D, whose digest is in the policy; return what it defines. */
async function loadLibrary() {
  const packed = new Blob([decode("library")]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream("deflate"));
  const script = make("script", { text: await new Response(unpacked).text() });
  let library;
  window.define = (name, needs, define) => { library = define(); };
  document.head.append(script);
  return library;
}

const minus = (a, b) => a.map((value, axis) => value - b[axis]);
const cross = (a, b) => [0, 1, 2].map((axis) => {
  const [next, last] = [(axis + 1) % 3, (axis + 2) % 3];
  return a[next] * b[last] - a[last] * b[next];
});

/** Name the side of the body that a direction points to most. */
function sideOf(direction) {
  const sizes = direction.map(Math.abs);
  const axis = sizes.indexOf(Math.max(...sizes));
  return ["LR", "PA", "IS"][axis][Number(direction[axis] > 0)];
}

/** A panel: its canvas, the letters around it and its lines. */
class Panel {
  constructor(library, given, scene) {
    this.objects = given.objects;
    this.angle = scene.plot.cameraFov;
    const number = given.shown < given.total
      ? `${given.shown.toLocaleString("en")} of ${given.total.toLocaleString("en")}`
      : given.total.toLocaleString("en");
    const caption = make("figcaption", { text: given.title });
    const noun = given.total === 1 ? "streamline" : "streamlines";
    caption.append(make("small", { text: `${number} ${noun}` }));
    const space = make("div", { className: "space" });
    this.canvas = make("div", { className: "canvas" });
    this.letters = ["left", "right", "top", "bottom"].map((side) =>
      make("span", { className: `letter ${side}` }));
    space.append(this.canvas, ...this.letters);
    const figure = make("figure");
    figure.append(caption, space);
    place("panels").append(figure);
    this.plot = new library.K3D(library.ThreeJsProvider, this.canvas, scene.plot);
    const objects = [...this.objects.map(({ line }) => line), ...given.surfaces];
    this.loaded = this.plot.setSnapshot({ objects, chunkList: [], plot: scene.plot });
  }

  line(object) {
    return this.plot.getWorld().ObjectsListJson[object.line.id];
  }

  /** Change lines, after all earlier changes, and draw once. */
  change(objects, changesOf) {
    this.loaded = this.loaded.then(async () => {
      this.plot.setRenderOnChange(false);
      await Promise.all(objects.map((object) => {
        const changes = changesOf(object);
        const line = Object.assign(this.line(object), changes);
        return this.plot.reload(line, line.visible ? changes : { visible: false });
      }));
      this.plot.setRenderOnChange(true);
      await this.plot.render();
    });
    return this.loaded;
  }

  show(bundles, visible) {
    const own = this.objects.filter(({ bundle }) => bundles.includes(bundle));
    return this.change(own, () => ({ visible }));
  }

  colour(colouring) {
    return this.change(this.objects, (object) =>
      ({ colors: this.line(object).custom_data.colours[colouring] }));
  }

  look(frame) {
    const { clientWidth, clientHeight } = this.canvas;
    const half = Math.max(frame.height, frame.width * clientHeight / clientWidth) / 2;
    const away = 1.15 * half / Math.tan(this.angle * Math.PI / 360);
    const eye = frame.centre.map((value, axis) => value + away * frame.direction[axis]);
    this.plot.setCamera([...eye, ...frame.centre, ...frame.up]);
  }

  /** Follow a camera: where it is, what it looks at, and what is up. */
  follow(camera) {
    this.plot.setCamera(camera);
    this.letter(camera);
  }

  letter(camera) {
    const forward = minus(camera.slice(3, 6), camera.slice(0, 3));
    const right = cross(forward, camera.slice(6, 9));
    const up = cross(right, forward);
    const opposite = (vector) => vector.map((value) => -value);
    const directions = [opposite(right), right, up, opposite(up)];
    directions.forEach((direction, index) => {
      this.letters[index].textContent = sideOf(direction);
    });
  }

  paint() {
    const [red, green, blue] = getComputedStyle(document.body).backgroundColor
      .match(/\d+/g).map(Number);
    this.plot.setClearColor(red << 16 | green << 8 | blue);
    this.plot.render();
  }
}

/** Turn all panels together. */
function link(panels) {
  let following = false;
  for (const panel of panels) {
    panel.plot.on(panel.plot.events.CAMERA_CHANGE, (camera) => {
      panel.letter(camera);
      if (following) return;
      following = true;
      for (const other of panels) if (other !== panel) other.follow(camera);
      following = false;
    });
  }
}

function showKey({ entries, scale, limits }, isBundle) {
  const key = place("key");
  key.replaceChildren();
  if (scale.length) {
    const bar = make("div", { className: "scale" });
    bar.style.background = `linear-gradient(to right, ${scale.join(", ")})`;
    const ends = make("div", { className: "limits" });
    ends.append(...limits.map((text) => make("span", { text })));
    key.append(bar, ends);
  } else if (!isBundle) {
    const list = make("ul");
    list.append(...entries.map(({ name, colour }) => {
      const item = make("li");
      const label = make("label");
      label.append(makeSwatch(colour), make("span", { text: name }));
      item.append(label);
      return item;
    }));
    key.append(list);
  }
}

function makeSwatch(colour) {
  const swatch = make("span", { className: "swatch" });
  swatch.style.backgroundColor = colour;
  return swatch;
}

function makeViews(panels, frames) {
  for (const frame of frames) {
    const button = make("button", { type: "button", text: frame.name });
    button.addEventListener("click", () => panels[0].look(frame));
    place("views").append(button);
  }
}

function makeColourings(panels, scene) {
  const select = place("colouring");
  select.append(...scene.colourings.map(({ name }) => make("option", { text: name })));
  select.selectedIndex = scene.colouring;
  const explain = () => {
    const isBundle = select.selectedIndex === 0;
    showKey(scene.colourings[select.selectedIndex], isBundle);
    document.body.classList.toggle("by-bundle", isBundle);
  };
  select.addEventListener("change", () => {
    explain();
    for (const panel of panels) panel.colour(select.selectedIndex);
  });
  explain();
}

/** Let a long name break after its underscores. */
function makeName(text) {
  const name = make("span");
  for (const part of text.split(/(?<=_)/)) name.append(part, make("wbr"));
  return name;
}

function makeBundles(panels, bundles) {
  const show = (indices, visible) => {
    for (const panel of panels) panel.show(indices, visible);
  };
  const boxes = bundles.map(({ name, colour }, index) => {
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => show([index], box.checked));
    const label = make("label");
    label.append(box, makeSwatch(colour), makeName(name));
    const item = make("li");
    item.append(label);
    place("bundles").append(item);
    return box;
  });
  for (const [id, checked] of [["all", true], ["none", false]]) {
    place(id).addEventListener("click", () => {
      for (const box of boxes) box.checked = checked;
      show(boxes.map((_, index) => index), checked);
    });
  }
}

async function start() {
  if (!makeElement("canvas").getContext("webgl2")) {
    throw new Error("this browser has no WebGL");
  }
  const library = await loadLibrary();
  const scene = library.msgpackDecode(decode("data").buffer);
  const panels = scene.panels.map((given) => new Panel(library, given, scene));
  await Promise.all(panels.map((panel) => panel.loaded));
  makeBundles(panels, scene.bundles);
  makeViews(panels, scene.frames);
  makeColourings(panels, scene);
  link(panels);
  const paint = () => panels.forEach((panel) => panel.paint());
  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  addEventListener("message", paint);
  panels[0].look(scene.frames[scene.view]);
  // A surface takes a while: after the drawing that waits for it comes another.
  for (const panel of panels) panel.plot.render(true);
  place("message").remove();
  root.dataset.state = "drawn";
}

// A page that holds this one in a frame tells it which colours it has.
addEventListener("message", ({ data }) => {
  if (data === "light" || data === "dark") root.dataset.theme = data;
});

start().catch((error) => {
  place("message").textContent = `The scene cannot be drawn: ${error.message}.`;
  root.dataset.state = "failed";
});
