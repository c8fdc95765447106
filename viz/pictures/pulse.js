// The pulse: asks the server once, a while after it was last drawn; draws nothing.

export default function (component) {
  return mount(component, () => {
    let timer;
    return {
      show({ data, setTriggerValue }) {
        clearTimeout(timer);
        timer = setTimeout(() => setTriggerValue("beat", data.turn), 1000 * data.seconds);
      },
      stop: () => clearTimeout(timer),
    };
  });
}
