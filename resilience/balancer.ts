import type { Service } from "../Llasta.Web/ui/e2e/support/service.ts";

/** Chooses a process for each new connection, as a Kubernetes Service does: round robin among the ready ones. */
export class Balancer {
  readonly #ready: Set<Service>;
  readonly #leaving = new Set<Service>();
  readonly #probe: NodeJS.Timeout;
  #turn = 0;

  constructor(services: readonly Service[]) {
    this.#ready = new Set(services);
    this.#probe = setInterval(() => services.forEach((service) => void this.#ask(service)), 50);
  }

  next(): Service | undefined {
    return [...this.#ready][this.#turn++ % this.#ready.size];
  }

  /** A pod that is being deleted is removed from the endpoints at once, whatever its probe says. */
  leave(service: Service): void {
    this.#leaving.add(service);
    this.#ready.delete(service);
  }

  join(service: Service): void {
    this.#leaving.delete(service);
    this.#ready.add(service);
  }

  close(): void {
    clearInterval(this.#probe);
  }

  async #ask(service: Service): Promise<void> {
    const ready = await service.ready();
    if (ready && !this.#leaving.has(service)) this.#ready.add(service);
    else this.#ready.delete(service);
  }
}
