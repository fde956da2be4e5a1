/** A model's name without its organisation, or without its folders. */
export function shortName(model: string | undefined): string | undefined {
  const parts = model?.replace(/[/\\]+$/, "").split(/[/\\]/);
  return parts?.at(-1) || model;
}
