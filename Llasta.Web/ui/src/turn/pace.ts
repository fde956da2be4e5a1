/**
 * The shortest time between two reads of a stream, and between two updates of the page, milliseconds. Text that
 * streams is read comfortably at 25 updates a second, while each read and each update costs the main thread more than a
 * token does. The tokens that arrive in between wait in the browser's buffer and are taken together.
 */
export const updateIntervalMs = 40;
