// The pulse: asks the server once, a while after it was last drawn; draws nothing.

// A page that is on its way, after a link was followed, would be called off by the question: both
// become one request, and the later one names the page.
const busy = () =>
  document.querySelector("[data-test-script-state=running], [data-test-script-state=rerunRequested]");

export default function (component) {
  return mount(component, () => {
    let timer;
    return {
      show({ data, setTriggerValue }) {
        const wait = 1000 * data.seconds;
        const ask = () => {
          if (busy()) timer = setTimeout(ask, wait);
          else setTriggerValue("beat", data.turn);
        };
        clearTimeout(timer);
        timer = setTimeout(ask, wait);
      },
      stop: () => clearTimeout(timer),
    };
  });
}
