// Shows one frame of each film at a time. `#frame=5&sample=2` in the address starts at
// that frame, `&play` plays.
(() => {
  const player = document.getElementById("player");
  if (!player) return;
  document.documentElement.classList.add("scripted");
  const find = (name) => player.querySelector(`[name=${name}]`);
  const [button, slider, readout] = [find("play"), find("frame"), find("readout")];
  const choosers = [find("sample"), find("variable")];
  const scenes = [...player.querySelectorAll(".scene")];
  const times = JSON.parse(slider.dataset.times);
  const step = 250; // milliseconds
  let timer = null;

  function show() {
    const frame = Number(slider.value) - 1;
    const [sample, variable] = choosers.map((chooser) => (chooser ? chooser.value : "0"));
    for (const scene of scenes) {
      const chosen = scene.dataset.sample === sample && scene.dataset.variable === variable;
      scene.hidden = !chosen;
      if (!chosen) continue;
      for (const film of scene.querySelectorAll("[data-pitch]"))
        film.setAttribute("x", Number(film.dataset.start) + frame * film.dataset.pitch);
      for (const arrows of scene.querySelectorAll("[data-paths]"))
        arrows.setAttribute("d", JSON.parse(arrows.dataset.paths)[frame]);
      const note = JSON.parse(scene.dataset.notes)[frame];
      readout.textContent = `Frame ${frame + 1} of ${times.length}: ${times[frame]}. ${note}`;
    }
    slider.setAttribute("aria-valuetext", times[frame]);
  }
  function move(by) {
    const last = times.length;
    slider.value = ((Number(slider.value) - 1 + by + last) % last) + 1;
    show();
  }
  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => move(1), step) : null;
    button.textContent = on ? "Pause" : "Play";
  }
  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (asked.has("frame")) slider.value = asked.get("frame");
    if (asked.has("sample") && choosers[0]) choosers[0].value = asked.get("sample") - 1;
    if (asked.has("play")) play(true);
    show();
  }

  button.addEventListener("click", () => play(!timer));
  slider.addEventListener("input", () => { play(false); show(); });
  for (const chooser of choosers) chooser?.addEventListener("change", show);
  find("arrows")?.addEventListener("change", (event) =>
    player.classList.toggle("plain", !event.target.checked));
  player.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.target.tagName === "SELECT") return;
    if (by) { play(false); move(by); }
    else if (event.key === " " && event.target === slider) play(!timer);
    else return;
    event.preventDefault();
  });
  addEventListener("hashchange", fromAddress);
  addEventListener("beforeprint", () => document.querySelectorAll("details.pictures")
    .forEach((details) => { details.open = true; }));
  player.querySelector(".controls").hidden = false;
  fromAddress();
})();
