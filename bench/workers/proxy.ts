// Contender (a): a Worker that only proxies.
interface Env {
  readonly ORIGIN_URL: string;
}

export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    return fetch(new Request(env.ORIGIN_URL + pathname + search, request));
  },
} satisfies ExportedHandler<Env>;
