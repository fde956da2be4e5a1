/** A device with a mouse or touchpad has a real keyboard: focusing the message box covers nothing. */
export const hasKeyboard = (): boolean => matchMedia("(hover: hover)").matches;

/** A touch keyboard has no Shift+Enter: Enter is a new line there, and the button sends. */
export const hasTouchKeyboard = (): boolean => matchMedia("(hover: none) and (pointer: coarse)").matches;

/** Keys pressed here belong to a text field. */
export const isTextField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.closest("textarea, input:not([type=radio], [type=checkbox]), select") !== null);

/** The key belongs to an input method: it ends or cancels a composition. In Safari, isComposing is already false then, and only the code 229 says so. */
export const isComposing = ({ isComposing, keyCode }: KeyboardEvent): boolean => isComposing || keyCode === 229;
