"""What the programs of the comparison have in common: options, rounds, and the line of JSON that bench.sh reads."""
import argparse
import json
import resource
import statistics
import time


def parse(works, batch_size=16):
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=works)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="PyTorch: by autocast but in sd15.py")
    parser.add_argument("--batch-size", type=int, default=batch_size)
    parser.add_argument("--tokens", type=int, default=256, help="attention alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return options


def denoising(options, model, predict, target):
    """A round of training `model` towards `target`, or of sampling; `predict` calls a network, compiled or not."""
    import torch

    network = torch.compile(model) if options.compile else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def predicted():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bf16"):
            return predict(network).sample

    def train():
        loss = torch.nn.functional.mse_loss(predicted().float(), target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    @torch.inference_mode()
    def sample():
        predicted()

    if options.work == "train":
        return train
    model.eval()
    return sample


def compiled_by_openvino(options, module, *inputs):
    """A round of `module` by OpenVINO. It is told its precision: left to itself it takes bfloat16 where the processor has it."""
    import openvino
    import torch

    with torch.no_grad():
        converted = openvino.convert_model(module, example_input=inputs if len(inputs) > 1 else inputs[0])
    converted.reshape({i: list(x.shape) for i, x in enumerate(inputs)})
    request = openvino.Core().compile_model(converted, "CPU", {
        "INFERENCE_PRECISION_HINT": options.precision, "INFERENCE_NUM_THREADS": options.threads,
        "PERFORMANCE_HINT": "LATENCY"}).create_infer_request()
    return lambda: request.infer([x.numpy() for x in inputs])


def report(run, options, warm=2):
    seconds, cpu = [], []
    for _ in range(options.repeats + warm):
        start, start_cpu = time.perf_counter(), time.process_time()
        run()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    print(json.dumps({
        "seconds_per_image": statistics.median(seconds[warm:]) / options.batch_size,
        "cpu_seconds_per_image": statistics.median(cpu[warm:]) / options.batch_size,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
