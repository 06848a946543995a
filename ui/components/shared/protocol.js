// What the page and the server agree on: names, limits, close codes and the fields of a frame's header. Values only.
// Each comment names the Python constant with the same value.

/** First four bytes of a frame, "BPF1" as a little-endian number: MAGIC in lab/protocol/frames.py. */
export const FRAME_MAGIC = 0x31465042;
/** VERSION in lab/protocol/frames.py. */
export const FRAME_VERSION = 1;

/** Why the server closes the live socket: UNKNOWN_RUN, FOREIGN_PAGE, BAD_REQUEST and TOO_MANY in ui/server/routes.py. */
export const CLOSE_CODES = Object.freeze({ unknownRun: 4404, foreignPage: 4403, badRequest: 4400, tooMany: 4429 });

/** `type` of a message that the page sends through the live socket: `parse` in ui/server/routes.py. */
export const COMMANDS = Object.freeze({ frame: 'frame', edit: 'edit', preview: 'preview' });

/** `type` of an event that the page hands to Streamlit: `_event` in ui/playground/live_view.py. */
export const EVENTS = Object.freeze({
  toggleFeature: 'toggle_feature',
  resize: 'resize',
  layers: 'layers',
  activation: 'activation',
  points: 'points',
  fix: 'fix',
  status: 'status',
  gone: 'gone',
  unreachable: 'unreachable',
  reconnected: 'reconnected',
});

/** `status` of a run: the values of Run.status in lab/training/run.py, and "lost" of LOST in ui/server/routes.py. */
export const STATUSES = Object.freeze({
  idle: 'idle', running: 'running', paused: 'paused', diverged: 'diverged', stopped: 'stopped', lost: 'lost',
});

/** Kinds of problem: `kind` of the data sets in data/dataset.py. */
export const REGRESSION = 'regression';

/** What a visitor may lock in the diagram: LOCKS in ui/playground/live_view.py. */
export const LOCKS = Object.freeze({
  features: 'features', hidden: 'hidden', activations: 'activations', weights: 'weights',
});

/** Fields that the network follows while their slider is dragged: PREVIEWED in lab/training/run.py. */
export const PREVIEWED_FIELDS = Object.freeze([
  'learning_rate', 'batch_size', 'l1', 'l2', 'noise', 'train_share', 'label_noise', 'outliers', 'balance',
]);

/** Largest absolute value of a weight entered by hand: LARGEST_WEIGHT in lab/training/run.py. */
export const MAX_WEIGHT = 1000;
/** MAX_LAYERS in lab/experiment/layer_rules.py. */
export const MAX_LAYERS = 6;
/** Hidden units of a layer that have a small map of their own: DRAWN in lab/training/probes.py. */
export const MAX_DRAWN_UNITS = 16;
/** Points along a side of a unit's small map: THUMBNAIL in lab/training/probes.py. */
export const THUMBNAIL_SIDE = 25;
/** Drawn points that fit in a link: MOST_IN_LINK in data/drawn.py. */
export const MAX_DRAWN_POINTS = 500;
/** MOST_CLASSES in data/drawn.py. */
export const MAX_DRAWN_CLASSES = 5;
/** Rows and columns of the picture that the drawing pad sends: PAD in lab/queries/gallery.py. */
export const PAD_SIDE = 84;

/** Bytes of a map with the encoding "class" hold class << shift | confidence: PlaneMap in lab/training/probes.py. */
export const CLASS_BYTE = Object.freeze({ shift: 5, maxConfidence: 31 });
/** Bytes of a map with the encoding "value" hold zero + value * scale: as_bytes in lab/training/probes.py. */
export const VALUE_BYTE = Object.freeze({ zero: 128, scale: 127 });

/**
 * The network of a frame: Stage.network in lab/training/diagram.py.
 * @typedef {{
 *   sizes: number[], shown: number[], activations: string[], output: string, features: string[],
 *   all_features: [string, string][],
 * }} NetworkHeader
 */

/**
 * The header of a frame: `facts` in lab/training/frame_header.py and Run.frame in lab/training/run.py. A frame that brings nothing new has only
 * `unchanged`, `frame` and `status`.
 * @typedef {{
 *   status: string, notice: string, reason?: string, epoch: number, step: number, kind: string, inputs: number,
 *   train_loss: number | null, test_loss: number | null, train_accuracy: number | null, test_accuracy: number | null,
 *   train_r2: number | null, test_r2: number | null, learning_rate: number, batch_size: number,
 *   steps_per_second: number, seconds: number, device: string, dtype: string, parameters: number, build: number,
 *   frame: number, classes: string[], class_numbers: number[] | null, multiply_adds: number | null,
 *   epoch_ms: number | null, rest: number, unchanged?: boolean, focus?: number | null,
 *   plane: { extent: [number, number], encoding: 'value' | 'class' } | null, network?: NetworkHeader,
 *   history?: { generation: number, from: number, count: number },
 *   scores?: {
 *     precision?: number[], recall?: number[], f1?: number[], macro_f1?: number | null,
 *     rmse?: number | null, mae?: number | null,
 *   },
 *   goal?: Advice | null, advice?: Advice | null,
 * }} FrameHeader
 */

/**
 * One sentence about what is shown, and changes of the experiment that a button offers: lab/training/advice.py.
 * @typedef {{ text: string, fix: { label: string, changes: Record<string, unknown> } | null }} Advice
 */
