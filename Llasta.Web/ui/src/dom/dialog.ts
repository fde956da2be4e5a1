/** Closes a modal dialog on a click outside it. A drag that starts inside doesn't close it, nor does a click on the dialog's padding. */
export function closeOnOutsideClick(dialog: HTMLDialogElement): void {
  const isOutside = ({ clientX, clientY }: MouseEvent): boolean => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return clientX < left || clientX > right || clientY < top || clientY > bottom;
  };
  let pressedOutside = false;
  dialog.addEventListener("pointerdown", (event) => {
    pressedOutside = event.target === dialog && isOutside(event);
  });
  dialog.addEventListener("click", (event) => {
    if (pressedOutside && event.target === dialog && isOutside(event)) dialog.close();
    pressedOutside = false;
  });
}
