/** How loud a track is, several times a second, from 0 to 1. */

const INTERVAL_MS = 60;

export class LevelMeter {
  /** @param {(level: number) => void} show */
  constructor(show) {
    this._show = show;
    /** @type {AudioContext | null} */
    this._context = null;
    /** @type {MediaStreamTrack | undefined} */
    this._track = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
  }

  /** @param {MediaStreamTrack | undefined} track undefined: silence */
  listenTo(track) {
    if (track === this._track) return;
    this.stop();
    this._track = track;
    if (!track) return;
    const context = new AudioContext();
    this._context = context;
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this._timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      // Loudness is heard in decibels: -60 dB is silence, -10 dB is loud.
      const decibels = 10 * Math.log10(energy + 1e-12);
      this._show(Math.min(1, Math.max(0, (decibels + 60) / 50)));
    }, INTERVAL_MS);
  }

  stop() {
    clearInterval(this._timer);
    void this._context?.close();
    this._context = null;
    this._track = undefined;
    this._show(0);
  }
}
